"""The sandbox: the hosts of a topology as namespaces of one Linux machine, and everything that runs on them.

One process, the supervisor, is pid 1 of the *fabric*: a pid, network, mount, UTS and IPC namespace. The bridge and
all hosts live inside; when it ends, however it ends, the kernel takes away everything else. The machine's own
interfaces, routes, firewall and files stay untouched, and sandbox addresses exist only in the fabric's network.

Building and removing (root; the caller holds `meshctl.state.lock`):
    create.create(topology, name, report) -> Changes     ensure; from any state
    create.compare(topology, name) -> Changes            what `create` would do
    delete.delete(name) -> bool, delete.exists(name)     from any state, without any file

Getting in (nothing else may send to a sandbox address):
    enter.inside(name, argv, **popen) -> Popen           a process in the fabric's network that dies with the sandbox
    enter.command(name) -> words                         the same as a prefix for another command
    enter.fabric(paths.of(name))                         moves the calling thread: for workers that do nothing else
    enter.shell(name, node) -> words                     an interactive shell; `ssh -F paths.of(name).ssh_config NODE`
    paths.of(name)                                       user_key, known_hosts, ssh_config, logs; root@address, port 22

Running things (`with control.connect(name) as sandbox`; see `control.Control` for all verbs, `wire` for the values):
    sandbox.spawn(Program("cluster1/apiserver", argv, node="cluster1-n1", root="fabric", log=..., restart="always"))
        ensures a program in the node's network; with `root="fabric"` it sees the machine's files, among them
        meshctl's own Python and the sandbox's folder, otherwise the node's disk. `pod=` puts it into a pod's network,
        `mounts=` gives it files at other paths. Restarted with back-off; dies with its node.
    sandbox.stop(name), sandbox.signal(name, number), sandbox.stats(), sandbox.status(), sandbox.watch()
    sandbox.add_pod(Pod("productpage-1", node="cluster1-n1", address="172.20.0.5")), sandbox.remove_pod(name)
        network and UTS namespace, a veth pair, the node's /32 route; `ip_forward` is the node's own affair
    sandbox.forward("192.168.229.137", 6443) -> port     on the machine's 127.0.0.1, into the fabric
Programs inside the fabric with `root="fabric"` reach the same socket: `control.Control(Paths(folder))`.
"""
