using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>What a parent says of a tree block. The block must bear it out.</summary>
/// <param name="Bytenr">Where it lies.</param>
/// <param name="Generation">The transaction that wrote it; 0 where the one who names it does not know, as in a back reference.</param>
/// <param name="Level">0 for a leaf.</param>
/// <param name="FirstKey">Its lowest key; null for a root, of which no parent says it.</param>
public readonly record struct BlockPointer(LogicalAddress Bytenr, ulong Generation, int Level, Key? FirstKey);
