using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Changes;

public sealed class NameTests
{
    [Test]
    public void What_is_created_is_found_again_with_its_attributes()
    {
        using NewImage image = new();
        ulong directory = image.CreateDirectory("directory");
        DiskTime time = new(1_000_000, 5);
        ulong device = image.Top.Create(
            directory, "device"u8, new NewInode { Mode = InodeMode.BlockDevice | 0x180, Uid = 7, Gid = 8, DeviceMajor = 9, DeviceMinor = 300, Time = time });
        ulong link = image.Top.Create(directory, "link"u8, new NewInode { Mode = InodeMode.SymbolicLink, Target = Bytes("a/target") });
        image.Reopen();

        Subvolume top = image.Read();
        FileStatus status = top.GetStatus(device);
        Assert.That((status.Mode, status.Uid, status.Gid), Is.EqualTo((InodeMode.BlockDevice | 0x180, 7u, 8u)));
        Assert.That((status.DeviceMajor, status.DeviceMinor, status.MTime, status.OTime), Is.EqualTo((9u, 300u, time, time)));
        Assert.That(top.ReadLink(link).ToArray(), Is.EqualTo(Bytes("a/target")));
        Assert.That(top.GetStatus(directory).Size, Is.EqualTo(2 * "devicelink".Length));
        Assert.That(image.Names(directory), Is.EqualTo(new[] { "device", "link" }));
    }

    [Test]
    public void The_last_link_takes_the_file_along()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("one");
        image.Top.Write(file, 0, Random(1, 100_000));
        image.Top.Link(file, TopDirectory, "two"u8);
        image.Top.Unlink(TopDirectory, "one"u8);
        image.Reopen();
        Assert.That(image.Content(file), Is.EqualTo(Random(1, 100_000)));

        image.Top.Unlink(TopDirectory, "two"u8);
        image.Reopen();
        Assert.That(image.Read().TryGetInode(file, out _), Is.False);
        Assert.That(image.Read().GetStatus(TopDirectory).Size, Is.Zero);
    }

    [Test]
    public void Links_beyond_what_one_item_holds_go_to_extended_ones()
    {
        using NewImage image = new();
        ulong file = image.CreateFile("file");
        for (int i = 0; i < 400; i++)
            image.Top.Link(file, TopDirectory, Bytes($"{new string('x', 100)}{i}"));
        image.Reopen();
        Assert.That(image.Read().GetStatus(file).LinkCount, Is.EqualTo(401));

        for (int i = 0; i < 400; i++)
            image.Top.Unlink(TopDirectory, Bytes($"{new string('x', 100)}{i}"));
        image.Reopen();
        Assert.That(image.Read().GetStatus(file).LinkCount, Is.EqualTo(1));
        Assert.That(image.Names(), Is.EqualTo(new[] { "file" }));
    }

    [Test]
    public void A_rename_replaces_refuses_or_exchanges()
    {
        using NewImage image = new();
        ulong first = image.CreateFile("first");
        ulong second = image.CreateFile("second");
        image.Top.Rename(TopDirectory, "first"u8, TopDirectory, "second"u8, RenameFlags.Exchange);
        Assert.That(Lookup(image, "first"), Is.EqualTo(second));
        Assert.That(
            () => image.Top.Rename(TopDirectory, "first"u8, TopDirectory, "second"u8, RenameFlags.NoReplace),
            Throws.TypeOf<FileOperationException>().With.Property(nameof(FileOperationException.Error)).EqualTo(FileError.Exists));

        image.Top.Rename(TopDirectory, "first"u8, TopDirectory, "second"u8);
        Assert.That(Lookup(image, "second"), Is.EqualTo(second));
        Assert.That(image.Read().TryGetInode(first, out _), Is.False);
        Assert.That(image.Names(), Is.EqualTo(new[] { "second" }));
    }

    [Test]
    public void A_new_name_must_fit_beside_the_old_one([Values] RenameFlags flags)
    {
        using NewImage image = new(features: "^extref");
        ulong file = image.CreateFile("file");
        ulong other = image.CreateFile("other");
        for (int i = 0; i < 64; i++)
            image.Top.Link(file, TopDirectory, Bytes($"{new string('x', 238)}{i:d2}"));

        // Room for the old name or the new one, and not for both.
        byte[] name = Bytes(new string('y', 245));
        if (flags == RenameFlags.Exchange)
            image.Top.Link(other, TopDirectory, name);
        AssertRefused(FileError.TooManyLinks, () => image.Top.Rename(TopDirectory, "file"u8, TopDirectory, name, flags));
        Assert.That(Lookup(image, "file"), Is.EqualTo(file));
    }

    [Test]
    public void A_directory_does_not_move_below_itself()
    {
        using NewImage image = new();
        ulong above = image.CreateDirectory("above");
        ulong below = image.CreateDirectory("below", above);
        AssertRefused(FileError.Invalid, () => image.Top.Rename(TopDirectory, "above"u8, below, "x"u8));
        AssertRefused(FileError.Invalid, () => image.Top.Rename(above, "below"u8, TopDirectory, "above"u8, RenameFlags.Exchange));
    }

    [Test]
    public void What_may_not_be_done_is_refused_and_changes_nothing()
    {
        using NewImage image = new();
        ulong directory = image.CreateDirectory("directory");
        ulong file = image.CreateFile("file", directory);
        AssertRefused(FileError.Exists, () => image.CreateFile("file", directory));
        AssertRefused(FileError.NameTooLong, () => image.CreateFile(new string('n', 256)));
        AssertRefused(FileError.Invalid, () => image.CreateFile("a/b"));
        AssertRefused(FileError.NotDirectory, () => image.CreateFile("x", file));
        AssertRefused(FileError.NotEmpty, () => image.Top.RemoveDirectory(TopDirectory, "directory"u8));
        AssertRefused(FileError.IsDirectory, () => image.Top.Unlink(TopDirectory, "directory"u8));
        AssertRefused(FileError.NotFound, () => image.Top.Unlink(TopDirectory, "nothing"u8));
        AssertRefused(FileError.NotPermitted, () => image.Top.Link(directory, TopDirectory, "again"u8));
        AssertRefused(FileError.NoAttribute, () => image.Top.RemoveXattr(file, "user.x"u8));

        image.Top.SetFlags(file, InodeFlags.Immutable);
        AssertRefused(FileError.NotPermitted, () => image.Top.Write(file, 0, "x"u8));
        AssertRefused(FileError.NotPermitted, () => image.Top.Unlink(directory, "file"u8));
        image.Reopen();
        Assert.That(image.Names(directory), Is.EqualTo(new[] { "file" }));
    }

    [Test]
    public void Numbers_of_deleted_inodes_do_not_come_back_in_one_session()
    {
        using NewImage image = new();
        ulong first = image.CreateFile("file");
        image.Top.Unlink(TopDirectory, "file"u8);
        Assert.That(image.CreateFile("file"), Is.EqualTo(first + 1));
    }

    private static ulong Lookup(NewImage image, string name)
    {
        image.Reopen();
        Assert.That(image.Read().TryLookup(TopDirectory, Bytes(name), out Btrfs.Inode.Names.DirEntry entry));
        return entry.Location.ObjectId;
    }
}
