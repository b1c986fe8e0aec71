"""The agent that runs on or beside a machine; it needs Python 3.11, paho-mqtt and nothing else of ours."""

VERSION = "1.1.0"
