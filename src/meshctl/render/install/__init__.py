"""What `istioctl install -f FILE` would apply for an IstioOperator file, as far as a sandbox can do what it says."""
