"""Which labels are probably wrong, judged by networks that have not seen the person; a person decides."""
