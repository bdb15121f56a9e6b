using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>A tree block that passed every check. Immutable: any thread may keep and read it.</summary>
public sealed class ExtentBuffer
{
    private readonly byte[] _bytes;

    internal ExtentBuffer(byte[] bytes)
    {
        _bytes = bytes;
        ref readonly BlockHeader header = ref MemoryMarshal.AsRef<BlockHeader>(bytes);
        Bytenr = new LogicalAddress(header.Bytenr);
        Generation = header.Generation;
        Level = header.Level;
        Owner = header.Owner;
        Count = (int)header.ItemCount.Value;
    }

    public LogicalAddress Bytenr { get; }

    public ulong Generation { get; }

    /// <summary>0 for a leaf.</summary>
    public int Level { get; }

    /// <summary>The tree that the block was written for; a snapshot shares blocks of the tree that it was taken of.</summary>
    public ulong Owner { get; }

    /// <summary>Items of a leaf, or pointers of a node.</summary>
    public int Count { get; }

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

    /// <summary>The lowest key, which a parent repeats; null for an empty leaf.</summary>
    internal Key? FirstKey => Count == 0 ? null : MemoryMarshal.AsRef<DiskKey>(_bytes.AsSpan(BlockHeader.Size)).ToKey();
}
