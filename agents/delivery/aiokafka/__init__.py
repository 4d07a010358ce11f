"""Delivery below Faust: what is replaced of aiokafka: fetches, the group, requests on their way."""
