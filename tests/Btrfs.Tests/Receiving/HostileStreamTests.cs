using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Fuzz.Streams;
using Btrfs.Receive;
using Btrfs.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>Streams that want what they must not have: each is refused with its offset and command, and the image is as it was.</summary>
internal sealed class HostileStreamTests
{
    private static readonly byte[] s_zlib = Deflated(new byte[64 << 10]);
    private static readonly byte[] s_bomb = Deflated(new byte[64 << 20]);

    private static IEnumerable<TestCaseData> Attacks()
    {
        yield return Attack("a path that leads up", script => script.Mkfile("../a"));
        yield return Attack("a path that leads up from below", script => script.Mkdir("d").Mkfile("d/../../a"));
        yield return Attack("an absolute path", script => script.Mkfile("/a"));
        yield return Attack("a path with a dot", script => script.Mkfile("./a"));
        yield return Attack("a path with an empty part", script => script.Mkdir("d").Mkfile("d//a"));
        yield return Attack("a path that ends in a slash", script => script.Mkdir("d/"));
        yield return Attack("a name that is too long", script => script.Mkfile(new string('a', 256)));
        yield return Attack("a path that is too long", script => script.Mkfile(string.Join('/', Enumerable.Repeat("a", 3000))));
        yield return Attack("a symbolic link on the way", script => script.Symlink("l", "..").Mkfile("l/a"));
        yield return Attack("a write through a symbolic link", script => script.Symlink("l", "/etc/passwd").Write("l", 0, "x"u8));
        yield return Attack("a truncate through a symbolic link", script => script.Symlink("l", "/etc/passwd").Number(CommandType.Truncate, "l", AttributeType.Size, 0));
        yield return Attack("a chmod through a symbolic link", script => script.Symlink("l", "/etc/passwd").Number(CommandType.Chmod, "l", AttributeType.Mode, 0x1FF));
        yield return Attack("a rename out", script => script.Mkfile("a").Rename("a", "../a"));
        yield return Attack("a link to outside", script => script.Link("a", "../other/file"));
        yield return Attack("a clone of what is outside", script => script.Mkfile("a").Clone("a", 0, 4096, StreamScript.Sender, "../other/file", 0));
        yield return Attack("the top directory renamed", script => script.Rename("", "a"));
        yield return Attack("the top directory removed", script => script.Rmdir(""));
        yield return Attack("a directory below itself", script => script.Mkdir("d").Rename("d", "d/e"));
        yield return Attack("a directory linked", script => script.Mkdir("d").Link("e", "d"));
        yield return Attack("a write to a directory", script => script.Mkdir("d").Write("d", 0, "x"u8));
        yield return Attack("a write behind the largest file", script => script.Mkfile("a").Write("a", ulong.MaxValue - 1, "xx"u8));
        yield return Attack("a write over the largest file", script => script.Mkfile("a").Write("a", long.MaxValue - 1, "xxxx"u8));
        yield return Attack("a size above the largest", script => script.Mkfile("a").Number(CommandType.Truncate, "a", AttributeType.Size, 1UL << 63));
        yield return Attack("an allocation of all", script => script.Mkfile("a").Fallocate("a", 0, 0, 1UL << 62));
        yield return Attack("an allocation above all", script => script.Mkfile("a").Fallocate("a", 0, ulong.MaxValue, 2));
        yield return Attack("an allocation of no known kind", script => script.Mkfile("a").Fallocate("a", 0x40, 0, 4096));
        yield return Attack("a clone behind the end", script => script.Mkfile("a").Write("a", 0, "abc"u8).Mkfile("b").Clone("b", 0, 1UL << 40, StreamScript.Sender, "a", 0));
        yield return Attack("a clone that wraps", script => script.Mkfile("a").Write("a", 0, "abc"u8).Mkfile("b").Clone("b", 0, ulong.MaxValue, StreamScript.Sender, "a", 2));
        yield return Attack("a clone onto itself", script => script.Mkfile("a").Write("a", 0, new byte[8192]).Clone("a", 4096, 8192, StreamScript.Sender, "a", 0));
        yield return Attack("a clone of nobody", script => script.Mkfile("a").Clone("a", 0, 4096, Uuid.Parse("99999999-2222-3333-4444-555555555555"), "a", 0));
        yield return Attack("a clone of a directory", script => script.Mkfile("a").Mkdir("d").Clone("a", 0, 4096, StreamScript.Sender, "d", 0));
        yield return Attack("an owner beyond all", script => script.Mkfile("a").Chown("a", 1UL << 32, 0));
        yield return Attack("a time that is none", script => script.Mkfile("a").Utimes("a", 0, 2_000_000_000));
        yield return Attack("an xattr of no class", script => script.Mkfile("a").Xattr("a", "color", "red"));
        yield return Attack("an xattr that is too large", script => script.Mkfile("a").Xattr("a", "user.a", new string('x', 30_000)));
        yield return Attack("a property that is none", script => script.Mkfile("a").Xattr("a", "btrfs.secret", "x"));
        yield return Attack("a second subvolume of the name", script => script.Subvol("s", Uuid.Parse("11111111-2222-3333-4444-555555555556")));
        yield return Attack("more data than is said", script => script.Mkfile("a").Encoded("a", 0, 4096, 4096, 0, 1, s_zlib));
        yield return Attack("a bomb", script => script.Mkfile("a").Encoded("a", 0, 128 << 10, 128 << 10, 0, 1, s_bomb));
        yield return Attack("an extent of exabytes", script => script.Mkfile("a").Encoded("a", 0, 1UL << 60, 1UL << 60, 0, 1, s_zlib));
        yield return Attack("a range outside of its extent", script => script.Mkfile("a").Encoded("a", 0, 64 << 10, 64 << 10, 4096, 1, s_zlib));
        yield return Attack("a range that wraps", script => script.Mkfile("a").Encoded("a", 0, ulong.MaxValue, 64 << 10, 4096, 1, s_zlib));
        yield return Attack("data that is none", script => script.Mkfile("a").Encoded("a", 0, 64 << 10, 64 << 10, 0, 2, s_zlib));
        yield return Attack("a compression of no known kind", script => script.Mkfile("a").Encoded("a", 0, 64 << 10, 64 << 10, 0, 8, s_zlib));
        yield return Attack("an encryption", script => script.Mkfile("a").Encoded("a", 0, 64 << 10, 64 << 10, 0, 1, s_zlib, encryption: 1));
        yield return Attack("a hash of no known kind", script => script.Mkfile("a").Verity("a", 3, 4096, [], []));
        yield return Attack("a hash of small blocks", script => script.Mkfile("a").Verity("a", 1, 16, [], []));
        yield return Attack("a hash of no block size", script => script.Mkfile("a").Verity("a", 1, 0, [], []));
        yield return Attack("a salt that is too long", script => script.Mkfile("a").Verity("a", 1, 4096, new byte[33], []));
        yield return Attack("a write to what is verified", script => script.Mkfile("a").Write("a", 0, "abc"u8).Verity("a", 1, 4096, [], []).Write("a", 0, "x"u8));
        yield return Attack("a directory that is verified", script => script.Mkdir("a").Verity("a", 1, 4096, [], []));
    }

    [TestCaseSource(nameof(Attacks))]
    public void An_attack_is_refused_with_offset_and_command_and_leaves_the_image_as_it_was(Func<StreamScript, StreamScript> attack)
    {
        ReceiverImage image = ReceiverImage.New();
        image.Receive(new StreamScript().Subvol("other", Uuid.Parse("aaaaaaaa-2222-3333-4444-555555555555")).Mkfile("file").Write("file", 0, "secret"u8).End());
        byte[] stream = attack(new StreamScript(version: 3).Subvol("s")).End();

        ReceiveException? error = Assert.Throws<ReceiveException>(() => image.Receive(stream));

        TestContext.Out.WriteLine(error!.Message);
        Assert.That(error.Message, Does.StartWith($"stream offset {error.Offset}, "));
        Assert.That(error.Offset, Is.GreaterThan(17));
        using BtrfsFileSystem fs = image.Open();
        Assert.That(fs.EnumerateSubvolumes().Count(subvolume => subvolume.Id >= 256), Is.LessThanOrEqualTo(fs.FindReceivedParts().Count + (error.Command == CommandType.Subvol ? 2 : 1)));
        Assert.That(ReceiveTests.Content(fs, "other/file"), Is.EqualTo("secret"u8.ToArray()));
        Assert.That(image.Fault(), Is.Null);
    }

    [TestCase("a/b")]
    [TestCase("..")]
    [TestCase(".")]
    [TestCase("")]
    [TestCase("/")]
    [TestCase(".btrfs-engine-part-11111111-2222-3333-4444-555555555555")]
    public void A_subvolume_gets_no_name_that_leads_elsewhere(string name)
    {
        ReceiverImage image = ReceiverImage.New();
        Assert.That(() => image.Receive(new StreamScript().Subvol(name).End()), Throws.TypeOf<ReceiveException>());
        Assert.That(image.Fault(), Is.Null);
    }

    [Test]
    public void A_parent_that_is_not_there_is_refused()
    {
        ReceiverImage image = ReceiverImage.New();
        byte[] stream = new StreamScript().Snapshot("s", StreamScript.Sender, 7, Uuid.Parse("99999999-2222-3333-4444-555555555555"), 7).End();
        Assert.That(() => image.Receive(stream), Throws.TypeOf<ReceiveException>());
        Assert.That(() => image.Receive(new StreamScript().Mkfile("a").End()), Throws.TypeOf<ReceiveException>());
        Assert.That(image.Fault(), Is.Null);
    }

    [Test]
    public void Mutated_streams_end_well()
    {
        StreamFuzz fuzz = new();
        int first = TestSeed.Random().Next(1 << 24);
        Assert.That(fuzz.Run(first, 300, threads: 2), Is.Empty, $"seeds from {first} on");
        TestContext.Out.WriteLine(fuzz.Summary);
    }

    private static TestCaseData Attack(string name, Func<StreamScript, StreamScript> attack) => new TestCaseData(attack).SetArgDisplayNames(name);

    private static byte[] Deflated(byte[] content)
    {
        using MemoryStream output = new();
        using (System.IO.Compression.ZLibStream zlib = new(output, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
            zlib.Write(content);
        return output.ToArray();
    }
}
