"""The embedded MQTT broker: who may speak where, the files that tell it, and how it is started."""
