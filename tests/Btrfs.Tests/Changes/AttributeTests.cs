using Btrfs.Format;
using Btrfs.Inode.Changes;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Changes;

public sealed class AttributeTests
{
    [Test]
    public void Xattrs_are_set_replaced_and_removed()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        byte[] large = Random(1, 15_000);
        image.Top.SetXattr(file, "user.small"u8, "one"u8);
        image.Top.SetXattr(file, "user.large"u8, large);
        image.Top.SetXattr(file, "user.small"u8, "another"u8, XattrMode.Replace);
        Assert.That(() => image.Top.SetXattr(file, "user.small"u8, "x"u8, XattrMode.Create), Throws.TypeOf<FileOperationException>());
        Assert.That(() => image.Top.SetXattr(file, "user.huge"u8, new byte[17_000]), Throws.TypeOf<FileOperationException>());
        image.Reopen();
        Assert.That(Value(image, file, "user.small"), Is.EqualTo(Bytes("another")));
        Assert.That(Value(image, file, "user.large"), Is.EqualTo(large));

        image.Top.RemoveXattr(file, "user.large"u8);
        image.Reopen();
        Assert.That(image.Read().EnumerateXattrs(file).Count(), Is.EqualTo(1));
    }

    [Test]
    public void Names_with_one_hash_share_an_item()
    {
        // Found by search: two names of eight bytes with the same CRC-32C.
        (string first, string second) = Collision();
        using NewImage image = new();
        ulong file = image.CreateFile(first);
        image.CreateFile(second);
        image.Top.SetXattr(file, Bytes(first), "1"u8);
        image.Top.SetXattr(file, Bytes(second), "22"u8);
        image.Reopen();
        Assert.That(Value(image, file, first), Is.EqualTo(Bytes("1")));
        Assert.That(Value(image, file, second), Is.EqualTo(Bytes("22")));

        image.Top.RemoveXattr(file, Bytes(first));
        image.Top.Unlink(TopDirectory, Bytes(second));
        image.Reopen();
        Assert.That(Value(image, file, second), Is.EqualTo(Bytes("22")));
        Assert.That(image.Names(), Is.EqualTo(new[] { first }));
    }

    [Test]
    public void Flags_bring_what_belongs_to_them()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        image.Top.SetFlags(file, InodeFlags.NoDataCow | InodeFlags.NoDump);
        ulong other = image.CreateFile("other");
        image.Top.SetFlags(other, InodeFlags.Compress);
        image.Reopen();
        Assert.That(image.Read().GetStatus(file).Flags, Is.EqualTo(InodeFlags.NoDataCow | InodeFlags.NoDataSum | InodeFlags.NoDump));
        Assert.That(Value(image, other, "btrfs.compression"), Is.EqualTo(Bytes("zlib")));

        image.Top.SetFlags(other, InodeFlags.NoCompress);
        image.Reopen();
        Assert.That(image.Read().GetStatus(other).Flags, Is.EqualTo(InodeFlags.NoCompress));
        Assert.That(image.Read().EnumerateXattrs(other), Is.Empty);
    }

    [Test]
    public void A_default_access_control_list_is_handed_on()
    {
        // user::rwx user:7:rwx group::r-x mask::rwx other::r--
        byte[] list = Convert.FromHexString("02000000" + "01000700ffffffff" + "0200070007000000" + "04000500ffffffff" + "10000700ffffffff" + "20000400ffffffff");
        using NewImage image = new();
        ulong directory = image.CreateDirectory("directory");
        image.Top.SetXattr(directory, "system.posix_acl_default"u8, list);
        ulong file = image.CreateFile("file", directory);
        ulong below = image.CreateDirectory("below", directory);
        image.Reopen();
        Assert.That(image.Read().GetStatus(file).Mode, Is.EqualTo(InodeMode.Regular | 0x1A4));
        Assert.That(Value(image, file, "system.posix_acl_access"), Is.EqualTo(Convert.FromHexString(
            "02000000" + "01000600ffffffff" + "0200070007000000" + "04000500ffffffff" + "10000400ffffffff" + "20000400ffffffff")));
        Assert.That(Value(image, below, "system.posix_acl_default"), Is.EqualTo(list));
    }

    private static byte[] Value(NewImage image, ulong inode, string name)
    {
        Assert.That(image.Read().TryGetXattr(inode, Bytes(name), out ReadOnlySpan<byte> value), name);
        return value.ToArray();
    }

    private static (string First, string Second) Collision()
    {
        Dictionary<uint, string> seen = [];
        for (int i = 0; ; i++)
        {
            string name = $"user.{i}";
            if (!seen.TryAdd(NameHash.OfName(Bytes(name)), name))
                return (seen[NameHash.OfName(Bytes(name))], name);
        }
    }
}
