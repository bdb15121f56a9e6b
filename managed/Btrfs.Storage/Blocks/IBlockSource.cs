namespace Btrfs.Storage;

/// <summary>Where tree blocks come from: the last commit (<see cref="ExtentBufferReader"/>), or the running transaction over it.</summary>
public interface IBlockSource
{
    /// <summary>The block that a pointer names.</summary>
    /// <param name="pointer">What the parent says; all of it is checked.</param>
    /// <param name="root">The tree on whose behalf it is read: its owner must agree with the block's, and messages name it.</param>
    /// <exception cref="Format.CorruptMetadataException">No mirror has a block that passes; the message tells what each has.</exception>
    ExtentBuffer Read(in BlockPointer pointer, ulong root);

    /// <summary>Asks for blocks that will be wanted soon. Never waits, never fails.</summary>
    void Prefetch(ReadOnlySpan<BlockPointer> pointers);
}
