namespace Btrfs.Send.State;

/// <summary>An inode for good: numbers are used again, a number with its generation is not.</summary>
internal readonly record struct InodeId(ulong Number, ulong Generation);
