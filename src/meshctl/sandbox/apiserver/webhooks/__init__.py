"""Admission by webhooks: MutatingWebhookConfiguration and ValidatingWebhookConfiguration, admissionregistration v1."""
