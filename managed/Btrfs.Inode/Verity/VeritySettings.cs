namespace Btrfs.Inode.Verity;

/// <summary>Hash functions of fs-verity, as it numbers them.</summary>
public enum VerityAlgorithm : byte
{
    Sha256 = 1,
    Sha512 = 2,
}

/// <summary>How the content of a file is hashed.</summary>
public sealed record VeritySettings
{
    public const int MaxSaltBytes = 32;

    /// <summary>What the kernel takes.</summary>
    public const int MaxSignatureBytes = 16128;

    public required VerityAlgorithm Algorithm { get; init; }

    /// <summary>Of data and of hashes, in bytes: a power of two from 1024 up to the sector size.</summary>
    public required int BlockSize { get; init; }

    /// <summary>Goes into each hash; at most <see cref="MaxSaltBytes"/>.</summary>
    public ReadOnlyMemory<byte> Salt { get; init; }

    /// <summary>Of the file's digest, kept beside it and not looked at; at most <see cref="MaxSignatureBytes"/>.</summary>
    public ReadOnlyMemory<byte> Signature { get; init; }
}
