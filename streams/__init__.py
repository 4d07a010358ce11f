"""What is done to events: fold, evidence, fusion, limits, reasoning. Pure where it can be; never Faust."""
