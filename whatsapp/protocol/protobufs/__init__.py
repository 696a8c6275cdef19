"""The protobuf messages of the wire, generated from the .proto files beside this one.

After a change of a .proto file, from the root of the checkout:

    python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. whatsapp/protocol/protobufs/*.proto
"""
