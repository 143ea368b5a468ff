"""Patents to labels: taxonomy and prompt, the offline labeller, the language model, and the audit by people."""
