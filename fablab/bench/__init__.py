"""The workbench: a lab of any size, made in seconds, and the time that each door of it takes."""
