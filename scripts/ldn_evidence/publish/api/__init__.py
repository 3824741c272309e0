"""The JSON API as pure functions of the database; `publish.plugin.api` puts it behind a server.

`render.Api(connection).render(path, query)` answers, `render.static_paths(connection)` lists the files of the static
tree, and `resources.RESOURCES` is the one table that both, and the OpenAPI document, are written from.
"""
