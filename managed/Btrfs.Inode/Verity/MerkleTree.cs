using System.Security.Cryptography;

namespace Btrfs.Inode.Verity;

/// <summary>
/// The tree of hashes over the blocks of a file, as fs-verity has it: level 0 holds the hashes of the data, each level above those of the blocks of the one below,
/// until one block is left, whose hash is the root's. The levels lie one behind the other from the top down, so all places are known from the
/// file's size, and the tree is built in one pass with a block in hand for each level.
/// </summary>
internal sealed class MerkleTree : IDisposable
{
    private readonly IncrementalHash _hash;
    private readonly byte[] _salt;
    private readonly int _blockSize;
    private readonly ulong _dataBlocks;
    private readonly Level[] _levels;
    private readonly byte[] _digest;
    private ulong _blocksSeen;

    public MerkleTree(VeritySettings settings, ulong fileSize)
    {
        _blockSize = settings.BlockSize;
        HashAlgorithmName name = settings.Algorithm == VerityAlgorithm.Sha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512;
        _hash = IncrementalHash.CreateHash(name);
        _digest = new byte[_hash.HashLengthInBytes];

        // The salt fills whole input blocks of the hash function (64 and 128 bytes), so its state behind them could be kept.
        int inputBlock = 2 * _digest.Length;
        _salt = new byte[(settings.Salt.Length + inputBlock - 1) / inputBlock * inputBlock];
        settings.Salt.CopyTo(_salt);
        _dataBlocks = (fileSize + (ulong)_blockSize - 1) / (ulong)_blockSize;
        _levels = PlaceLevels();
        RootHash = new byte[_digest.Length];
    }

    /// <summary>The hash of the one block that stands for the whole file; zeros for an empty file.</summary>
    public byte[] RootHash { get; private set; }

    /// <summary>Adds the next data block; the last one filled up with zeros.</summary>
    /// <param name="block">Of the block size.</param>
    /// <param name="emit">Gets each block of the tree that is full, and its place in the tree.</param>
    public void Add(ReadOnlySpan<byte> block, Action<ulong, byte[]> emit)
    {
        bool isLast = ++_blocksSeen == _dataBlocks;
        Digest(block);
        for (int level = 0; level < _levels.Length; level++)
        {
            Level at = _levels[level];
            _digest.CopyTo(at.Block, at.Used);
            at.Used += _digest.Length;
            if (at.Used < _blockSize && !isLast)
                return;
            at.Block.AsSpan(at.Used).Clear();
            emit(at.Next, at.Block);
            at.Next += (ulong)_blockSize;
            at.Used = 0;
            Digest(at.Block);
        }

        RootHash = [.. _digest];
    }

    public void Dispose() => _hash.Dispose();

    private Level[] PlaceLevels()
    {
        ulong hashesPerBlock = (ulong)(_blockSize / _digest.Length);
        List<ulong> blocks = [];
        for (ulong below = _dataBlocks; below > 1; below = blocks[^1])
            blocks.Add((below + hashesPerBlock - 1) / hashesPerBlock);

        Level[] levels = new Level[blocks.Count];
        ulong place = 0;
        for (int level = levels.Length - 1; level >= 0; level--)
        {
            levels[level] = new Level(place, _blockSize);
            place += blocks[level] * (ulong)_blockSize;
        }

        return levels;
    }

    private void Digest(ReadOnlySpan<byte> block)
    {
        _hash.AppendData(_salt);
        _hash.AppendData(block);
        _hash.GetHashAndReset(_digest);
    }

    private sealed class Level(ulong next, int blockSize)
    {
        public ulong Next { get; set; } = next;

        public int Used { get; set; }

        public byte[] Block { get; } = new byte[blockSize];
    }
}
