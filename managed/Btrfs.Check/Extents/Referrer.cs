using System.Numerics;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Check.Extents;

/// <summary>
/// Who holds a reference, as a back reference names them: by the tree that the holding block was written for, or, where the holding block's own extent
/// says FullBackref, by that block's address. Exactly one of the two counts.
/// </summary>
/// <param name="Parent">The holding block's address; 0 where the tree is named instead.</param>
/// <param name="Owner">The tree, where <paramref name="Parent"/> is 0.</param>
internal readonly record struct Referrer(ulong Parent, ulong Owner)
{
    /// <summary>A root block is named by its tree. Only a relocation tree's, of which there are many under one id, is named by itself.</summary>
    public static Referrer OfRoot(TreeRoot root) =>
        root.RootId == ObjectIds.TreeReloc ? new Referrer(root.Bytenr.Value, 0) : new Referrer(0, root.RootId);
}

/// <summary>One reference as a number, such that sums of them cancel out only where the references do (but for one chance in 2^64).</summary>
internal static class ReferenceHash
{
    private const ulong BlockByRoot = 0x9E3779B97F4A7C15;
    private const ulong ByParent = 0xC2B2AE3D27D4EB4F;
    private const ulong DataByRoot = 0x165667B19E3779F9;

    public static ulong OfBlock(in Referrer from) => from.Parent != 0 ? OfParent(from.Parent) : OfBlockRoot(from.Owner);

    public static ulong OfData(in Referrer from, ulong inode, ulong offset) =>
        from.Parent != 0 ? OfParent(from.Parent) : OfDataRoot(from.Owner, inode, offset);

    public static ulong OfParent(ulong parent) => Mix(parent ^ ByParent);

    public static ulong OfBlockRoot(ulong root) => Mix(root ^ BlockByRoot);

    public static ulong OfDataRoot(ulong root, ulong inode, ulong offset) => Mix(Mix(Mix(root ^ DataByRoot) ^ inode) ^ offset);

    public static ulong Mix(ulong value)
    {
        value ^= value >> 32;
        value *= 0xE9846AF9B1A615D;
        value ^= BitOperations.RotateRight(value, 29);
        value *= 0xD6E8FEB86659FD93;
        return value ^ (value >> 28);
    }
}
