namespace Btrfs.Space.Backrefs;

/// <summary>A file extent item that lies in <paramref name="Leaf"/> and points to the extent, whichever of its bytes are asked for.</summary>
/// <param name="Leaf">Logical address of the leaf.</param>
/// <param name="Inode">The file.</param>
/// <param name="FileOffset">Where in the file the item's run begins.</param>
/// <param name="ExtentOffset">Where in the extent it begins, in bytes as they are decoded.</param>
/// <param name="NumBytes">The run's length.</param>
/// <param name="IsPlain">Neither compressed nor encoded otherwise: only then do offsets in file and extent go together.</param>
internal readonly record struct ExtentUse(ulong Leaf, ulong Inode, ulong FileOffset, ulong ExtentOffset, ulong NumBytes, bool IsPlain)
{
    /// <summary>Whether the run covers a byte of the extent, and then where in the file that byte is. Runs of encoded extents always do, as a whole.</summary>
    public bool TryCover(ulong extentOffset, out LeafReference use)
    {
        if (!IsPlain)
        {
            use = new LeafReference(Inode, FileOffset, NumBytes);
            return true;
        }

        use = new LeafReference(Inode, FileOffset + unchecked(extentOffset - ExtentOffset), NumBytes);
        return extentOffset >= ExtentOffset && extentOffset < ExtentOffset + NumBytes;
    }
}
