namespace Btrfs.Format;

/// <summary>Everything that the engine itself refuses or finds broken. I/O errors of the host stay <see cref="IOException"/>.</summary>
public class BtrfsException : Exception
{
    public BtrfsException(string message)
        : base(message)
    {
    }

    public BtrfsException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>Bytes from the disk that contradict the format. The message names where, and what was expected.</summary>
public sealed class CorruptMetadataException : BtrfsException
{
    public CorruptMetadataException(string message)
        : base(message)
    {
    }

    public CorruptMetadataException(ulong root, LogicalAddress bytenr, int slot, string reason)
        : base($"corrupt metadata: root={root} block={bytenr} slot={slot}, {reason}")
    {
        Root = root;
        Bytenr = bytenr;
        Slot = slot;
    }

    /// <summary>The owner that the block's header names, or 0 where no block is at fault.</summary>
    public ulong Root { get; }

    public LogicalAddress Bytenr { get; }

    /// <summary>The item or pointer at fault; -1 for the block as a whole.</summary>
    public int Slot { get; } = -1;
}

/// <summary>No copy of a range has the checksum that was stored for it.</summary>
public sealed class ChecksumException(string message) : BtrfsException(message);

/// <summary>The file system uses something that this engine does not know; the message names it.</summary>
public sealed class UnsupportedFeatureException(string message) : BtrfsException(message);

/// <summary>Asked for something that does not fit the file system's state (no such path, not read-only, and so on).</summary>
public sealed class InvalidRequestException(string message) : BtrfsException(message);

/// <summary>A contradiction inside the engine: our bug, never the disk's.</summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>There is no room left for what was asked. Nothing was changed.</summary>
public sealed class NoSpaceException(string message) : BtrfsException(message);

/// <summary>The file system can't be changed: it was opened read-only, or a transaction failed and latched it. The inner exception is the first cause.</summary>
public sealed class ReadOnlyFileSystemException : BtrfsException
{
    public ReadOnlyFileSystemException(string message)
        : base(message)
    {
    }

    public ReadOnlyFileSystemException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
