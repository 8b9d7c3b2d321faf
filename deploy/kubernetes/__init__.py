"""The Kubernetes objects.

``python -m deploy.kubernetes.build`` writes the alerting rules among them.
"""
