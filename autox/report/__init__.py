"""From a result to what people read: a document (pure), then html, text or json."""
