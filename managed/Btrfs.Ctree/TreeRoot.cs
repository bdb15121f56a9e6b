using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// Where a committed tree begins. Committed blocks are never written again, so a root and everything below it is immutable:
/// readers take no locks.
/// </summary>
public readonly record struct TreeRoot(ulong RootId, LogicalAddress Bytenr, ulong Generation, int Level)
{
    public BlockPointer Pointer => new(Bytenr, Generation, Level, FirstKey: null);
}
