using Btrfs.Check;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Verity;
using Btrfs.Tests.Changes;
using static Btrfs.Tests.Changes.NewImage;

namespace Btrfs.Tests.Log;

/// <summary>What an fsync writes, when it commits instead, and what is found after a power cut.</summary>
public sealed class SyncTests
{
    private const ulong Sector = 4096;

    private NewImage _image = null!;
    private ulong _file;

    [SetUp]
    public void Make()
    {
        // With room for a second superblock.
        _image = new NewImage(128 << 20);
        _file = _image.CreateFile("file");
        _image.Top.Write(_file, 0, Random(1, 200_000));
        _image.Writer.Commit();
    }

    [TearDown]
    public void Close() => _image.Dispose();

    [Test]
    public void A_write_logs_the_inode_and_the_extent_that_changed_and_no_more()
    {
        _image.Top.Write(_file, 5 * Sector, Random(2, 4096));
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Logged));
        Assert.That(_image.LoggedKeys(), Is.EqualTo(new[]
        {
            new Key(_file, ItemType.InodeItem, 0),
            new Key(_file, ItemType.ExtentData, 5 * Sector),
        }));

        byte[] expected = Random(1, 200_000);
        Random(2, 4096).CopyTo(expected, (int)(5 * Sector));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("file"), Is.EqualTo(expected));
        RequireSound(fs);
    }

    [Test]
    public void An_fsync_of_what_has_not_changed_writes_nothing()
    {
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Nothing));
        _image.Top.Write(_file, 0, Random(3, 10));
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Logged));
        ulong root = _image.Super().LogRoot;
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Nothing));
        Assert.That(_image.Super().LogRoot.Value, Is.EqualTo(root));
    }

    [Test]
    public void What_was_not_synced_is_as_the_last_commit_has_it()
    {
        ulong other = _image.CreateFile("other");
        _image.Top.Write(other, 0, Random(4, 100));
        _image.Top.Truncate(_file, 10);
        Assert.That(_image.Sync(other), Is.EqualTo(SyncOutcome.Logged));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("other"), Is.EqualTo(Random(4, 100)));
        Assert.That(fs.ReadAll("file"), Is.EqualTo(Random(1, 200_000)));
        RequireSound(fs);
    }

    [Test]
    public void The_next_commit_has_no_log_and_its_space_is_free_again()
    {
        _image.Top.Write(_file, 0, Random(5, 100));
        _image.Sync(_file);
        Assert.That(_image.Super().LogRoot.Value, Is.Not.Zero);
        _image.Writer.Commit();
        Assert.That(_image.Super().LogRoot.Value, Is.Zero);

        // More blocks than the image has room for.
        byte[] data = Random(6, 100);
        for (int i = 0; i < 1200; i++)
        {
            _image.Top.Write(_file, (ulong)(i % 50) * Sector, data);
            Assert.That(_image.Sync(_file), Is.Not.EqualTo(SyncOutcome.Nothing));
        }

        _image.Writer.Commit();
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        RequireSound(fs);
    }

    [Test]
    public void A_file_that_was_cut_and_grown_again_has_nothing_of_what_was_cut()
    {
        _image.Top.Truncate(_file, 50_000);
        _image.Sync(_file);
        _image.Top.Truncate(_file, 150_000);
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Logged));
        byte[] expected = [.. Random(1, 200_000)[..50_000], .. new byte[100_000]];
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("file"), Is.EqualTo(expected));
        RequireSound(fs);
    }

    [Test]
    public void A_hole_and_what_is_allocated_behind_the_end_come_back()
    {
        _image.Top.Allocate(_file, 8 * Sector, 4 * Sector, AllocateMode.PunchHole);
        _image.Top.Allocate(_file, 100 * Sector, 10 * Sector, AllocateMode.PreallocateKeepSize);
        Assert.That(_image.Sync(_file), Is.EqualTo(SyncOutcome.Logged));
        byte[] expected = Random(1, 200_000);
        expected.AsSpan((int)(8 * Sector), (int)(4 * Sector)).Clear();
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("file"), Is.EqualTo(expected));
        Assert.That(fs.GetStatus("file").AllocatedBytes, Is.EqualTo(49 * Sector + 6 * Sector));
        RequireSound(fs);
    }

    [Test]
    public void A_new_file_in_a_new_directory_is_found_by_its_path()
    {
        ulong directory = _image.CreateDirectory("new");
        ulong below = _image.CreateDirectory("below", directory);
        ulong file = _image.CreateFile("file", below);
        _image.Top.SetXattr(below, "user.a"u8, "b"u8);
        _image.Top.Write(file, 0, Random(7, 10_000));
        Assert.That(_image.Sync(file), Is.EqualTo(SyncOutcome.Logged));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("new/below/file"), Is.EqualTo(Random(7, 10_000)));
        Assert.That(fs.EnumerateXattrs("new/below").Select(xattr => xattr.Value.ToArray()), Is.EqualTo(new[] { "b"u8.ToArray() }));
        RequireSound(fs);
    }

    [Test]
    public void A_file_that_is_written_aside_and_renamed_over_another_takes_its_place_without_a_commit()
    {
        ulong temporary = _image.CreateFile("temporary");
        _image.Top.Write(temporary, 0, Random(8, 30_000));
        Assert.That(_image.Sync(temporary), Is.EqualTo(SyncOutcome.Logged));
        _image.Top.Rename(TopDirectory, "temporary"u8, TopDirectory, "file"u8);
        using (BtrfsFileSystem before = _image.AfterPowerCut())
            Assert.That(before.ReadAll("file"), Is.EqualTo(Random(1, 200_000)));

        Assert.That(_image.Sync(TopDirectory), Is.EqualTo(SyncOutcome.Logged));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("file"), Is.EqualTo(Random(8, 30_000)));
        Assert.That(fs.EnumerateDirectory("").Select(entry => entry.Name), Is.EqualTo(new[] { "file" }));
        RequireSound(fs);
    }

    [Test]
    public void A_deleted_file_stays_deleted_once_its_directory_was_synced()
    {
        _image.Top.Write(_file, 0, Random(9, 10));
        _image.Sync(_file);
        _image.Top.Unlink(TopDirectory, "file"u8);
        Assert.That(_image.Sync(TopDirectory), Is.EqualTo(SyncOutcome.Logged));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.EnumerateDirectory(""), Is.Empty);
        RequireSound(fs);
    }

    [Test]
    public void A_name_that_was_taken_from_what_lives_on_is_committed()
    {
        _image.Top.Rename(TopDirectory, "file"u8, TopDirectory, "elsewhere"u8);
        ulong other = _image.CreateFile("file");
        Assert.That(_image.Sync(other), Is.EqualTo(SyncOutcome.Committed));
        using BtrfsFileSystem fs = _image.AfterPowerCut();
        Assert.That(fs.ReadAll("elsewhere"), Is.EqualTo(Random(1, 200_000)));
    }

    [Test]
    public void What_a_moved_directory_holds_is_committed()
    {
        ulong directory = _image.CreateDirectory("directory");
        _image.Writer.Commit();
        _image.Top.Rename(TopDirectory, "directory"u8, TopDirectory, "moved"u8);
        ulong file = _image.CreateFile("file", directory);
        Assert.That(_image.Sync(file), Is.EqualTo(SyncOutcome.Committed));
    }

    [Test]
    public void A_subvolume_that_the_commit_does_not_have_is_committed()
    {
        ulong subvolume = _image.Operations.Create(ObjectIds.FsTree, TopDirectory, "sub"u8);
        SubvolumeWriter writer = _image.Subvolumes.Get(subvolume);
        ulong file = writer.Create(TopDirectory, "file"u8, new NewInode { Mode = RegularMode });
        Assert.That(writer.Sync(file), Is.EqualTo(SyncOutcome.Committed));
        writer.Write(file, 0, Random(10, 10));
        Assert.That(writer.Sync(file), Is.EqualTo(SyncOutcome.Logged));
    }

    [Test]
    public void A_file_that_became_verified_is_committed_each_time()
    {
        // The first time the file system gets a feature, which is reason enough.
        foreach (string name in (string[])["first", "second"])
        {
            ulong file = _image.CreateFile(name);
            _image.Top.Write(file, 0, Random(13, 5000));
            using (SubvolumeBatch batch = new(_image.Top))
            {
                batch.EnableVerity(file, new VeritySettings { Algorithm = VerityAlgorithm.Sha256, BlockSize = 4096 });
                batch.End();
            }

            Assert.That(_image.Sync(file), Is.EqualTo(SyncOutcome.Committed));
        }
    }

    [Test]
    public void A_torn_superblock_loses_no_fsync_that_came_back()
    {
        _image.Top.Write(_file, 0, Random(11, 10));
        _image.Sync(_file);
        _image.Top.Write(_file, 0, Random(12, 10));
        _image.Sync(_file);

        // The second write of the log put what the first had said into the other copies.
        using BtrfsFileSystem fs = _image.AfterPowerCut(hasPrimary: false);
        Assert.That(fs.ReadAll("file")[..10], Is.EqualTo(Random(11, 10)));
        RequireSound(fs);
    }

    private static void RequireSound(BtrfsFileSystem fs)
    {
        Assert.That(fs.Info.Superblock.LogRoot.Value, Is.Zero, "the log was not replayed");
        CheckReport report = new FileSystemChecker(fs.Info, new CheckOptions { CheckDataChecksums = true }).Run(null, CancellationToken.None);
        Assert.That(report.Findings, Is.Empty);
    }
}
