# What holds a pod's namespaces open on the bare cluster. The context is the folder of built programs.
FROM scratch
COPY pause /pause
USER 65532:65532
ENTRYPOINT ["/pause"]
