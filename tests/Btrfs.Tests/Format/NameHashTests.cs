using Btrfs.Format;

namespace Btrfs.Tests.Format;

public sealed class NameHashTests
{
    /// <summary>mkfs.btrfs keys the entry "default" of every root tree so.</summary>
    [Test]
    public void The_hash_of_default_is_the_one_in_every_root_tree() => Assert.That(NameHash.OfName("default"u8), Is.EqualTo(2378154706));

    [Test]
    public void Any_length_hashes_as_byte_by_byte()
    {
        byte[] bytes = [.. Enumerable.Range(0, 255).Select(n => (byte)(n * 7))];
        for (int length = 0; length <= bytes.Length; length++)
        {
            uint expected = ~1u;
            foreach (byte value in bytes.AsSpan(0, length))
                expected = System.Numerics.BitOperations.Crc32C(expected, value);
            Assert.That(NameHash.OfName(bytes.AsSpan(0, length)), Is.EqualTo(expected));
        }
    }

    [Test]
    public void The_parent_is_the_seed_of_an_extended_reference()
    {
        Assert.That(NameHash.OfExtref(unchecked((uint)~1), "name"u8), Is.EqualTo(NameHash.OfName("name"u8)));
        Assert.That(NameHash.OfExtref(257, "name"u8), Is.Not.EqualTo(NameHash.OfExtref(258, "name"u8)));
    }
}
