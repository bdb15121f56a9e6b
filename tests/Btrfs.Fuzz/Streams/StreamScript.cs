using System.Text;
using Btrfs.Format;
using Btrfs.Stream;

namespace Btrfs.Fuzz.Streams;

/// <summary>Writes a stream command by command.</summary>
// It holds memory alone: there is nothing to dispose of.
#pragma warning disable CA1001
internal sealed class StreamScript
#pragma warning restore CA1001
{
    private readonly MemoryStream _sink = new();
    private readonly CommandWriter _writer;

    public StreamScript(int version = 2)
    {
        _writer = new CommandWriter(_sink, version);
        _writer.WriteHeader();
    }

    public static Uuid Sender { get; } = Uuid.Parse("11111111-2222-3333-4444-555555555555");

    public StreamScript Subvol(string name, Uuid? uuid = null, ulong transactionId = 7) => Put(CommandType.Subvol, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(name));
        PutUuid(writer, AttributeType.Uuid, uuid ?? Sender);
        writer.PutU64(AttributeType.Ctransid, transactionId);
    });

    public StreamScript Snapshot(string name, Uuid uuid, ulong transactionId, Uuid parent, ulong parentTransactionId) => Put(CommandType.Snapshot, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(name));
        PutUuid(writer, AttributeType.Uuid, uuid);
        writer.PutU64(AttributeType.Ctransid, transactionId);
        PutUuid(writer, AttributeType.CloneUuid, parent);
        writer.PutU64(AttributeType.CloneCtransid, parentTransactionId);
    });

    public StreamScript Make(CommandType what, string path) => Put(what, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU64(AttributeType.Ino, 300);
    });

    public StreamScript Mkfile(string path) => Make(CommandType.Mkfile, path);

    public StreamScript Mkdir(string path) => Make(CommandType.Mkdir, path);

    public StreamScript Symlink(string path, string target) => Put(CommandType.Symlink, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU64(AttributeType.Ino, 300);
        writer.PutBytes(AttributeType.PathLink, Bytes(target));
    });

    public StreamScript Two(CommandType what, string path, AttributeType second, string other) => Put(what, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutBytes(second, Bytes(other));
    });

    public StreamScript Rename(string path, string to) => Two(CommandType.Rename, path, AttributeType.PathTo, to);

    public StreamScript Link(string path, string existing) => Two(CommandType.Link, path, AttributeType.PathLink, existing);

    public StreamScript Unlink(string path) => Put(CommandType.Unlink, writer => writer.PutBytes(AttributeType.Path, Bytes(path)));

    public StreamScript Rmdir(string path) => Put(CommandType.Rmdir, writer => writer.PutBytes(AttributeType.Path, Bytes(path)));

    public StreamScript Xattr(string path, string name, string value) => Put(CommandType.SetXattr, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutBytes(AttributeType.XattrName, Bytes(name));
        writer.PutBytes(AttributeType.XattrData, Bytes(value));
    });

    public StreamScript Number(CommandType what, string path, AttributeType type, ulong value) => Put(what, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU64(type, value);
    });

    public StreamScript Chown(string path, ulong uid, ulong gid) => Put(CommandType.Chown, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU64(AttributeType.Uid, uid);
        writer.PutU64(AttributeType.Gid, gid);
    });

    public StreamScript Utimes(string path, long seconds, uint nanoseconds = 0) => Put(CommandType.Utimes, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutTime(AttributeType.Atime, seconds, nanoseconds);
        writer.PutTime(AttributeType.Mtime, seconds, nanoseconds);
        writer.PutTime(AttributeType.Ctime, seconds, nanoseconds);
    });

    public StreamScript Write(string path, ulong offset, ReadOnlySpan<byte> data)
    {
        _writer.Begin(CommandType.Write);
        _writer.PutBytes(AttributeType.Path, Bytes(path));
        _writer.PutU64(AttributeType.FileOffset, offset);
        data.CopyTo(_writer.PutDataHeader(data.Length));
        _writer.End();
        return this;
    }

    public StreamScript Clone(string path, ulong offset, ulong length, Uuid source, string sourcePath, ulong sourceOffset, ulong transactionId = 7) => Put(CommandType.Clone, writer =>
    {
        writer.PutU64(AttributeType.FileOffset, offset);
        writer.PutU64(AttributeType.CloneLen, length);
        writer.PutBytes(AttributeType.Path, Bytes(path));
        PutUuid(writer, AttributeType.CloneUuid, source);
        writer.PutU64(AttributeType.CloneCtransid, transactionId);
        writer.PutBytes(AttributeType.ClonePath, Bytes(sourcePath));
        writer.PutU64(AttributeType.CloneOffset, sourceOffset);
    });

    public StreamScript Fallocate(string path, uint mode, ulong offset, ulong length) => Put(CommandType.Fallocate, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU32(AttributeType.FallocateMode, mode);
        writer.PutU64(AttributeType.FileOffset, offset);
        writer.PutU64(AttributeType.Size, length);
    });

    public StreamScript Encoded(string path, ulong offset, ulong fileBytes, ulong ramBytes, ulong within, uint compression, ReadOnlySpan<byte> data, uint encryption = 0)
    {
        _writer.Begin(CommandType.EncodedWrite);
        _writer.PutBytes(AttributeType.Path, Bytes(path));
        _writer.PutU64(AttributeType.FileOffset, offset);
        _writer.PutU64(AttributeType.UnencodedFileLen, fileBytes);
        _writer.PutU64(AttributeType.UnencodedLen, ramBytes);
        _writer.PutU64(AttributeType.UnencodedOffset, within);
        _writer.PutU32(AttributeType.Compression, compression);
        _writer.PutU32(AttributeType.Encryption, encryption);
        data.CopyTo(_writer.PutDataHeader(data.Length));
        _writer.End();
        return this;
    }

    public StreamScript Verity(string path, byte algorithm, uint blockSize, byte[] salt, byte[] signature) => Put(CommandType.EnableVerity, writer =>
    {
        writer.PutBytes(AttributeType.Path, Bytes(path));
        writer.PutU8(AttributeType.VerityAlgorithm, algorithm);
        writer.PutU32(AttributeType.VerityBlockSize, blockSize);
        writer.PutBytes(AttributeType.VeritySaltData, salt);
        writer.PutBytes(AttributeType.VeritySigData, signature);
    });

    /// <summary>The stream up to its end command.</summary>
    public byte[] End()
    {
        Put(CommandType.End, _ => { });
        return Cut();
    }

    /// <summary>The stream as far as it is.</summary>
    public byte[] Cut()
    {
        _writer.Flush();
        return _sink.ToArray();
    }

    public StreamScript Put(CommandType what, Action<CommandWriter> attributes)
    {
        _writer.Begin(what);
        attributes(_writer);
        _writer.End();
        return this;
    }

    private static void PutUuid(CommandWriter writer, AttributeType type, Uuid uuid)
    {
        Span<byte> bytes = stackalloc byte[Uuid.Size];
        uuid.CopyTo(bytes);
        writer.PutUuid(type, bytes);
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
