"""Where requests end: Istio's endpoint tables and Envoy's arithmetic as functions of a topology, rules and outages."""
