"""What developing Towpath needs: the development cluster, image builds, generated files. Nothing here is shipped."""
