"""``make build``: what AWS is given, as files in ``dist/``.

```
claylake.zip jobs/ jars/ model/<name>/   what EMR steps load
env/extract.tar.gz env/embed.tar.gz      Python packages of the nodes: every step's, and torch on top
bin/                                     bootstrap action and GPU discovery
SHA256SUMS                               digests of all the above; its own digest names the release
mwaa/                                    requirements.txt, plugins.zip, dags/
manifest.json                            written last: arch, release, sha256 and size of every file
```
"""
