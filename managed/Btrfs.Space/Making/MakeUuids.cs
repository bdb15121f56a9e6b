using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>
/// The UUIDs of a new file system: all random, or all following from the file system's own. What follows is the begin of
/// SHA-256 over (the file system's UUID, a word for the purpose, a number of 8 bytes), marked as version 8: made up by an application.
/// </summary>
internal sealed class MakeUuids
{
    private readonly bool _isGiven;

    public MakeUuids(Uuid? fsid)
    {
        _isGiven = fsid is not null;
        Fsid = fsid ?? MakeRandom();
        ChunkTree = Make("chunk-tree", 0);
        Subvolume = Make("subvolume", ObjectIds.FsTree);
    }

    public Uuid Fsid { get; }

    public Uuid ChunkTree { get; }

    /// <summary>Of the top-level subvolume.</summary>
    public Uuid Subvolume { get; }

    public Uuid MakeDevice(ulong id) => Make("device", id);

    private Uuid Make(string purpose, ulong number)
    {
        if (!_isGiven)
            return MakeRandom();

        byte[] source = new byte[Uuid.Size + purpose.Length + sizeof(ulong)];
        Fsid.CopyTo(source);
        Encoding.ASCII.GetBytes(purpose, source.AsSpan(Uuid.Size));
        BinaryPrimitives.WriteUInt64LittleEndian(source.AsSpan(Uuid.Size + purpose.Length), number);
        return Mark(SHA256.HashData(source).AsSpan(0, Uuid.Size), version: 8);
    }

    private static Uuid MakeRandom()
    {
        Span<byte> bytes = stackalloc byte[Uuid.Size];
        RandomNumberGenerator.Fill(bytes);
        return Mark(bytes, version: 4);
    }

    // The places of version and variant in RFC 9562.
    private static Uuid Mark(Span<byte> bytes, int version)
    {
        bytes[6] = (byte)(bytes[6] & 0x0F | version << 4);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        return new Uuid(bytes);
    }
}
