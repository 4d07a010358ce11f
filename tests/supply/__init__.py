"""What the image holds: a bill of materials, licences, known vulnerabilities."""
