"""The contract as pages to read: AsyncAPI and OpenAPI documents as HTML, complete in itself."""
