using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>One piece of a batch of writes.</summary>
/// <param name="Start">Where its first byte goes.</param>
/// <param name="Data">Its bytes, which must not change until the batch is written.</param>
public readonly record struct BlockWrite(LogicalAddress Start, ReadOnlyMemory<byte> Data);
