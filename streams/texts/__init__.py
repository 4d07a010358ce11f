"""What students write, as words of their own: quotations, language, text models."""
