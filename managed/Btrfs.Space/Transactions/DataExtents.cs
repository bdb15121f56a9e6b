using Btrfs.Format;

namespace Btrfs.Space.Transactions;

/// <summary>Space for file data that was allocated and is not yet in the extent tree.</summary>
public readonly record struct DataExtent(LogicalAddress Start, ulong Bytes);

/// <summary>One file's use of a data extent, as the extent tree counts it.</summary>
/// <param name="RootId">The subvolume.</param>
/// <param name="Inode">The file.</param>
/// <param name="Offset">The file offset of the use, less the offset into the extent; it may wrap below zero.</param>
public readonly record struct DataReference(ulong RootId, ulong Inode, ulong Offset);
