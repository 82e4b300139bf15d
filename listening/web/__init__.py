"""The pages and the REST interface: thin faces over ``app``, no arithmetic of their own."""
