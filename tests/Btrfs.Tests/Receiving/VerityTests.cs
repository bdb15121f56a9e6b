using System.Security.Cryptography;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Fuzz.Streams;
using Btrfs.Inode;

namespace Btrfs.Tests.Receiving;

/// <summary>Files that are verified by hashes, as streams of version 3 ask for them. The kernel here can't make any; fs-verity's documentation is the measure.</summary>
internal sealed class VerityTests
{
    /// <summary>What `fsverity digest` says of an empty file.</summary>
    private const string DigestOfNothing = "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95";

    [Test]
    public void The_digest_of_an_empty_file_is_the_one_that_everybody_knows() =>
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(Receive([], 1, 4096, [], []).Descriptor)), Is.EqualTo(DigestOfNothing));

    [Test]
    public void Tree_and_descriptor_are_as_fs_verity_defines_them(
        [Values(1, 4095, 4096, 4097, 3_000_000)] int size, [Values(1, 2)] int algorithm, [Values(1024, 4096)] int blockSize, [Values(0, 7)] int saltBytes)
    {
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        byte[] salt = new byte[saltBytes];
        new Random(1).NextBytes(salt);
        byte[] signature = [.. "a signature"u8];

        (byte[] descriptor, byte[] tree) = Receive(content, (byte)algorithm, blockSize, salt, signature);

        Func<byte[], byte[]> hash = algorithm == 1 ? SHA256.HashData : SHA512.HashData;
        byte[] padded = [.. salt, .. new byte[saltBytes == 0 ? 0 : (algorithm == 1 ? 64 : 128) - saltBytes]];
        List<byte[]> levels = [];
        byte[] below = content;
        while (below.Length > blockSize)
        {
            below = [.. below.Chunk(blockSize).SelectMany(block => hash([.. padded, .. Filled(block, blockSize)]))];
            levels.Insert(0, [.. below.Chunk(blockSize).SelectMany(block => Filled(block, blockSize))]);
        }

        byte[] root = hash([.. padded, .. Filled(below, blockSize)]);
        Assert.Multiple(() =>
        {
            Assert.That(tree, Is.EqualTo(levels.SelectMany(level => level).ToArray()));
            Assert.That(descriptor[..4], Is.EqualTo((byte[])[1, (byte)algorithm, (byte)(blockSize == 1024 ? 10 : 12), (byte)saltBytes]));
            Assert.That(BitConverter.ToInt32(descriptor, 4), Is.EqualTo(signature.Length));
            Assert.That(BitConverter.ToInt64(descriptor, 8), Is.EqualTo(size));
            Assert.That(descriptor[16..(16 + root.Length)], Is.EqualTo(root));
            Assert.That(descriptor[80..(80 + saltBytes)], Is.EqualTo(salt));
            Assert.That(descriptor[256..], Is.EqualTo(signature));
        });
    }

    private static (byte[] Descriptor, byte[] Tree) Receive(byte[] content, byte algorithm, int blockSize, byte[] salt, byte[] signature)
    {
        StreamScript script = new StreamScript(version: 3).Subvol("s").Mkfile("a");
        for (int offset = 0; offset < content.Length; offset += 100_000)
            script.Write("a", (ulong)offset, content.AsSpan(offset, Math.Min(100_000, content.Length - offset)));
        ReceiverImage image = ReceiverImage.New();
        ulong id = image.Receive(script.Verity("a", algorithm, (uint)blockSize, salt, signature).End())[0].Id;

        Assert.That(image.Fault(), Is.Null);
        using BtrfsFileSystem fs = image.Open();
        FileStatus status = fs.GetStatus("s/a");
        Assert.That((status.Flags & InodeFlags.ReadOnlyVerity) != 0);
        Assert.That((fs.Info.Superblock.CompatRo & CompatRoFlags.Verity) != 0);
        Assert.That(ReceiveTests.Content(fs, "s/a"), Is.EqualTo(content));
        byte[] head = Items(fs, id, status.Inode, ItemType.VerityDescItem, 0);
        byte[] descriptor = head[25..];
        Assert.That(BitConverter.ToInt64(head), Is.EqualTo(descriptor.Length));
        return (descriptor, Items(fs, id, status.Inode, ItemType.VerityMerkleItem, ulong.MaxValue));
    }

    // All items of a type back to back, each where its key says: the first at offset 0, what follows a head from offset 1 on.
    private static byte[] Items(BtrfsFileSystem fs, ulong root, ulong inode, ItemType type, ulong headOffset)
    {
        List<byte> bytes = [];
        int head = 0;
        TreeCursor cursor = fs.Info.OpenCursor(fs.Info.GetRoot(root).Tree);
        cursor.Seek(new Key(inode, type, 0));
        for (; cursor.IsValid && cursor.Key.ObjectId == inode && cursor.Key.Type == type; cursor.MoveNext())
        {
            if (cursor.Key.Offset == headOffset)
                head = cursor.Data.Length;
            else
                Assert.That(cursor.Key.Offset, Is.EqualTo((ulong)(bytes.Count - head) + (head > 0 ? 1u : 0u)));
            Assert.That(cursor.Data.Length, Is.LessThanOrEqualTo(2048));
            bytes.AddRange(cursor.Data);
        }

        return [.. bytes];
    }

    private static byte[] Filled(byte[] block, int size) => [.. block, .. new byte[size - block.Length]];
}
