using Btrfs.LoopTests.Reading;
using Btrfs.Stream;
using Btrfs.Stream.Dump;
using Btrfs.Stream.Info;
using Btrfs.Stream.Replay;
using Btrfs.Stream.Verify;
using Btrfs.Tests.Stream;

namespace Btrfs.Tests.Streams;

/// <summary>Streams that mean harm, against each of the tools that read streams.</summary>
public sealed class HostileChainTests
{
    private const int Mutations = 3_000;
    private const long MemoryLimit = 16 << 20;

    private string _work = "";

    [SetUp]
    public void MakeDirectory() => _work = Directory.CreateTempSubdirectory("btrfs-hostile-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_work, recursive: true);

    [TestCase("../evil")]
    [TestCase("/evil")]
    [TestCase("a/../../evil")]
    [TestCase("./evil")]
    [TestCase("a//evil")]
    [TestCase("")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("link/evil")]
    [TestCase("nothing/evil")]
    public void A_path_that_is_not_one_of_plain_names_below_directories_is_refused(string path)
    {
        byte[] name = System.Text.Encoding.UTF8.GetBytes(path);
        Attack[] attacks =
        [
            w => StreamWriting.Make(w, CommandType.Mkfile, name),
            w => StreamWriting.Make(w, CommandType.Mkdir, name),
            w => StreamWriting.Make(w, CommandType.Symlink, name, "/etc"u8),
            w => SampleStreams.Rename(w, "a"u8, name),
            w => StreamWriting.Link(w, name, "file"u8),
            w => StreamWriting.Link(w, "new"u8, name),
            w => StreamWriting.One(w, CommandType.Unlink, name),
            w => SampleStreams.Write(w, name, 0, "x"u8),
            w => StreamWriting.Clone(w, "file"u8, 0, 1, name, 0),
        ];
        foreach (Attack attack in attacks)
        {
            string file = Save(2, w =>
            {
                SampleStreams.Subvolume(w, "s"u8);
                StreamWriting.Make(w, CommandType.Mkdir, "a"u8);
                StreamWriting.Make(w, CommandType.Mkfile, "file"u8);
                SampleStreams.Write(w, "file"u8, 0, "content"u8);
                StreamWriting.Make(w, CommandType.Symlink, "link"u8, "/etc"u8);
                attack(w);
            });
            Assert.That(() => StreamChain.Open([file]).Dispose(), Throws.TypeOf<StreamFormatException>().With.Message.Match("^stream offset [0-9]+, [a-z_]+: "));
        }
    }

    [Test]
    public void What_makes_no_sense_is_refused_with_offset_and_command()
    {
        Refused("moved below itself", w => SampleStreams.Rename(w, "d"u8, "d/e/d"u8));
        Refused("exists", w => StreamWriting.Make(w, CommandType.Mkdir, "f"u8));
        Refused("is not empty", w => StreamWriting.One(w, CommandType.Rmdir, "d"u8));
        Refused("is a directory", w => StreamWriting.Link(w, "x"u8, "d"u8));
        Refused("beyond the end of the clone source", w => StreamWriting.Clone(w, "f"u8, 0, 8, "f"u8, 1));
        Refused("beyond the end of any file", w => StreamWriting.Clone(w, "f"u8, ulong.MaxValue, 1, "f"u8, 0));
        Refused("beyond the end of any file", w => SampleStreams.Write(w, "f"u8, long.MaxValue, "x"u8));
        Refused("at most 131072", w => StreamWriting.Encoded(w, "f"u8, 2, 1ul << 40, "bomb"u8));
        Refused("compression 9 is unknown", w => StreamWriting.Encoded(w, "f"u8, 9, 4096, "x"u8));
        Refused("in the way", w => SampleStreams.Rename(w, "f"u8, "d"u8));

        void Refused(string message, Attack attack)
        {
            string file = Save(2, w =>
            {
                SampleStreams.Subvolume(w, "s"u8);
                StreamWriting.Make(w, CommandType.Mkdir, "d"u8);
                StreamWriting.Make(w, CommandType.Mkdir, "d/e"u8);
                StreamWriting.Make(w, CommandType.Mkfile, "f"u8);
                SampleStreams.Write(w, "f"u8, 0, "content"u8);
                attack(w);
            });
            Assert.That(() => StreamChain.Open([file]).Dispose(), Throws.TypeOf<StreamFormatException>().With.Message.Contain(message));
        }
    }

    [Test]
    public void Encoded_data_that_is_none_fails_when_the_file_is_read([Values(1u, 2u, 3u)] uint compression)
    {
        string file = Save(2, w =>
        {
            SampleStreams.Subvolume(w, "s"u8);
            StreamWriting.Make(w, CommandType.Mkfile, "f"u8);
            StreamWriting.Encoded(w, "f"u8, compression, 131072, "this is nothing that anybody encoded"u8);
        });
        using StreamChain chain = StreamChain.Open([file]);
        Assert.That(chain.Last.TryFind("f"u8, out int number), Is.True);
        using ContentStream content = chain.OpenContent(chain.Last.GetInode(number));
        Assert.That(() => content.ReadExactly(new byte[4096]), Throws.TypeOf<StreamFormatException>().With.Message.Contain("can't be decoded"));
    }

    [Test]
    public void Nothing_is_extracted_outside_of_the_destination()
    {
        // A link that leads away is taken as it is, and what follows is not written through it.
        string file = Save(1, w =>
        {
            SampleStreams.Subvolume(w, "s"u8);
            StreamWriting.Make(w, CommandType.Symlink, "out"u8, System.Text.Encoding.UTF8.GetBytes(_work));
            StreamWriting.Make(w, CommandType.Mkdir, "dir"u8);
            SampleStreams.Rename(w, "out"u8, "dir/out"u8);
            StreamWriting.Make(w, CommandType.Mkdir, "out"u8);
            StreamWriting.Make(w, CommandType.Mkfile, "out/evil"u8);
        });
        string destination = Path.Combine(_work, "copy");
        Assert.That(EngineCommand.Run("stream", "extract", "-q", file, "--path", "/", "-o", destination), Is.EqualTo((0, "")));
        Assert.That(File.Exists(Path.Combine(_work, "evil")), Is.False);
        Assert.That(File.Exists(Path.Combine(destination, "out", "evil")), Is.True);
        Assert.That(new FileInfo(Path.Combine(destination, "dir", "out")).LinkTarget, Is.EqualTo(_work));

        // A link of the host's that stands where a directory is to come is refused, not followed.
        string other = Path.Combine(_work, "other");
        Directory.CreateDirectory(other);
        File.CreateSymbolicLink(Path.Combine(other, "out"), _work);
        (int code, string errors) = EngineCommand.Run("stream", "extract", "-q", file, "--path", "/out", "-o", other);
        Assert.That((code, File.Exists(Path.Combine(_work, "evil"))), Is.EqualTo((1, false)), errors);
    }

    [Test]
    public void Mutations_with_their_crc_made_right_end_in_success_or_one_clear_error_in_every_tool()
    {
        int seed = TestSeed.Number();
        Random random = new(seed);
        byte[][] originals = [.. GoldenStreams.Kernel.Where(name => name != "two-streams-v2").Select(GoldenStreams.Read).Where(stream => stream.Length < 300_000), .. Enumerable.Range(1, 3).Select(SampleStreams.EveryCommand), Small()];
        string file = Path.Combine(_work, "mutant");
        int accepted = 0;
        int replayed = 0;
        for (int i = 0; i < Mutations; i++)
        {
            byte[] stream = HostileStreamTests.Mutate(originals[random.Next(originals.Length)], random);
            try
            {
                accepted += Try(() => StreamVerifier.Verify(new MemoryStream(stream))) ? 1 : 0;
                Try(() => Assert.That(StreamSurvey.Read(new MemoryStream(stream)).Count(), Is.Positive));
                using StreamJsonDumper dumper = new(System.IO.Stream.Null, withData: i % 2 == 0);
                Try(() => dumper.Dump(new MemoryStream(stream)));
                File.WriteAllBytes(file, stream);
                replayed += Try(() => ReadAll(file)) ? 1 : 0;
            }
            catch (Exception error) when (error is not StreamFormatException)
            {
                Assert.Fail($"BTRFS_SEED={seed}, mutation {i}: {error}");
            }
        }

        TestContext.Out.WriteLine($"{accepted} of {Mutations} verified, {replayed} replayed");
        Assert.That(accepted, Is.InRange(1, Mutations - 1));
        Assert.That(replayed, Is.InRange(1, Mutations - 1));
    }

    // Files may be said to be of any size: of each, what is stored of it is read, and no more than some of that.
    private static void ReadAll(string file)
    {
        using StreamChain chain = StreamChain.Open([file], new StreamChainOptions { MaxMemoryBytes = MemoryLimit });
        byte[] buffer = new byte[65536];
        for (int number = 0; number < chain.Last.InodeLimit; number++)
        {
            ReplayedInode inode;
            try
            {
                inode = chain.Last.GetInode(number);
            }
            catch (ArgumentOutOfRangeException)
            {
                continue;
            }

            if (!inode.IsRegular)
                continue;
            using ContentStream content = chain.OpenContent(inode);
            for (long offset = 0; content.TryFindData(offset, out long start, out long end); offset = end)
            {
                content.Position = start;
                _ = content.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - start)));
            }
        }
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (StreamFormatException error)
        {
            Assert.That(error.Message, Does.Not.Contain('\n').And.StartWith("stream offset "));
            return false;
        }
    }

    private static byte[] Small() => SampleStreams.Build(2, w =>
    {
        SampleStreams.Subvolume(w, "s"u8);
        for (byte c = (byte)'a'; c < (byte)'k'; c++)
        {
            StreamWriting.Make(w, CommandType.Mkfile, [c]);
            SampleStreams.Write(w, [c], 0, "0123456789"u8);
            StreamWriting.Clone(w, [c], 10, 10, "a"u8, 0);
            StreamWriting.Link(w, [c, c], [c]);
        }
    });

    private string Save(int version, Attack body)
    {
        string path = Path.Combine(_work, Path.GetRandomFileName());
        File.WriteAllBytes(path, SampleStreams.Build(version, writer => body(writer)));
        return path;
    }

    private delegate void Attack(CommandWriter writer);
}
