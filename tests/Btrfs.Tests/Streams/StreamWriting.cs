using Btrfs.Stream;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Streams;

/// <summary>Commands that <see cref="SampleStreams"/> has no helper for.</summary>
internal static class StreamWriting
{
    public static void Make(CommandWriter writer, CommandType type, ReadOnlySpan<byte> path, ReadOnlySpan<byte> target = default)
    {
        writer.Begin(type);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutU64(AttributeType.Ino, 257);
        if (type == CommandType.Symlink)
            writer.PutBytes(AttributeType.PathLink, target);
        writer.End();
    }

    public static void Clone(CommandWriter writer, ReadOnlySpan<byte> path, ulong offset, ulong length, ReadOnlySpan<byte> source, ulong sourceOffset)
    {
        writer.Begin(CommandType.Clone);
        writer.PutU64(AttributeType.FileOffset, offset);
        writer.PutU64(AttributeType.CloneLen, length);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutUuid(AttributeType.CloneUuid, SampleStreams.SampleUuid(AttributeType.Uuid));
        writer.PutU64(AttributeType.CloneCtransid, 7);
        writer.PutBytes(AttributeType.ClonePath, source);
        writer.PutU64(AttributeType.CloneOffset, sourceOffset);
        writer.End();
    }

    public static void Encoded(CommandWriter writer, ReadOnlySpan<byte> path, uint compression, ulong length, ReadOnlySpan<byte> data)
    {
        writer.Begin(CommandType.EncodedWrite);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutU64(AttributeType.FileOffset, 0);
        writer.PutU64(AttributeType.UnencodedFileLen, length);
        writer.PutU64(AttributeType.UnencodedLen, length);
        writer.PutU64(AttributeType.UnencodedOffset, 0);
        writer.PutU32(AttributeType.Compression, compression);
        data.CopyTo(writer.PutDataHeader(data.Length));
        writer.End();
    }

    public static void One(CommandWriter writer, CommandType type, ReadOnlySpan<byte> path)
    {
        writer.Begin(type);
        writer.PutBytes(AttributeType.Path, path);
        writer.End();
    }

    public static void Link(CommandWriter writer, ReadOnlySpan<byte> path, ReadOnlySpan<byte> existing)
    {
        writer.Begin(CommandType.Link);
        writer.PutBytes(AttributeType.Path, path);
        writer.PutBytes(AttributeType.PathLink, existing);
        writer.End();
    }
}
