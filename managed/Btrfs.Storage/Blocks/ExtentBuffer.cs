using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// A tree block. What readers get has passed every check and is immutable: any thread may keep and read it. A block that the running transaction
/// has allocated is writable until it is written out; it belongs to that transaction's one writer.
/// </summary>
public sealed class ExtentBuffer
{
    private readonly byte[] _bytes;
    private bool _isWritable;

    private ExtentBuffer(byte[] bytes, bool isWritable)
    {
        _bytes = bytes;
        _isWritable = isWritable;
        ref readonly BlockHeader header = ref Header;
        Bytenr = new LogicalAddress(header.Bytenr);
        Generation = header.Generation;
        Level = header.Level;
        Owner = header.Owner;
    }

    /// <summary>Whether the running transaction may still change the block in place.</summary>
    public bool IsWritable => Volatile.Read(ref _isWritable);

    public ref readonly BlockHeader Header => ref Overlay.At<BlockHeader>(_bytes);

    public LogicalAddress Bytenr { get; }

    public ulong Generation { get; }

    /// <summary>0 for a leaf.</summary>
    public int Level { get; }

    /// <summary>The tree that the block was written for; a snapshot shares blocks of the tree that it was taken of.</summary>
    public ulong Owner { get; }

    /// <summary>Items of a leaf, or pointers of a node.</summary>
    public int Count => (int)Header.ItemCount.Value;

    /// <summary>The whole block, header and all.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The block as a leaf; only where <see cref="Level"/> is 0.</summary>
    public LeafView Leaf
    {
        get
        {
            Invariant.That(Level == 0);
            return new LeafView(_bytes);
        }
    }

    /// <summary>The block as a node; only where <see cref="Level"/> is above 0.</summary>
    public NodeView Node
    {
        get
        {
            Invariant.That(Level > 0);
            return new NodeView(_bytes);
        }
    }

    /// <summary>The block as a leaf to be changed; only where it is writable, and <see cref="Level"/> is 0.</summary>
    public LeafEditor EditLeaf()
    {
        Invariant.That(Level == 0);
        return new LeafEditor(WritableBytes);
    }

    /// <summary>The block as a node to be changed; only where it is writable, and <see cref="Level"/> is above 0.</summary>
    public NodeEditor EditNode()
    {
        Invariant.That(Level > 0);
        return new NodeEditor(WritableBytes);
    }

    /// <summary>The whole block, to be changed. Address, generation, level and owner are fixed when it is made.</summary>
    public Span<byte> WritableBytes
    {
        get
        {
            Invariant.That(_isWritable);
            return _bytes;
        }
    }

    /// <summary>A block that passed the checks, immutable from here on. Takes the array over.</summary>
    internal static ExtentBuffer Adopt(byte[] bytes) => new(bytes, isWritable: false);

    /// <summary>A new block of the running transaction. Takes the array over, whose header must be filled in.</summary>
    public static ExtentBuffer CreateWritable(byte[] bytes) => new(bytes, isWritable: true);

    /// <summary>Ends all changes, marks the block as written and gives it its checksum: the bytes that go to the disk.</summary>
    public ReadOnlyMemory<byte> Seal(IChecksum checksum)
    {
        Freeze();
        MemoryMarshal.AsRef<BlockHeader>(_bytes.AsSpan()).Flags |= BlockHeader.FlagWritten;
        Checksums.SealBlock(checksum, _bytes);
        return _bytes;
    }

    /// <summary>Ends all changes: the block goes to the disk as it is now.</summary>
    public void Freeze() => Volatile.Write(ref _isWritable, false);

    /// <summary>The lowest key, which a parent repeats; null for an empty leaf.</summary>
    public Key? FirstKey => Count == 0 ? null : Overlay.At<DiskKey>(_bytes, BlockHeader.Size).ToKey();
}
