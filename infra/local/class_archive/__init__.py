"""The JVM's class archive of this machine: finding the one that fits (`archive`), making it (`rehearse`)."""
