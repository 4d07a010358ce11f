"""The demo: embedded broker, worker, simulated class and scripted explanations in one go, checking itself."""
