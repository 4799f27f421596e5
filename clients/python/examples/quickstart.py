"""Every greeting in upper case."""

from outrigger import App, utf8

app = App(default_key=utf8, default_value=utf8)
app.stream("greetings").map_values(str.upper).to("shouted-greetings")
app.run(handle_signals=True)
