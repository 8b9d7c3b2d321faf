"""How the exporter is deployed; of these files only the Kubernetes rules are generated."""
