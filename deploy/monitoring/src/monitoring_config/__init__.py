"""What is watched: dashboards and service level objectives, rendered for Grafana and Prometheus."""
