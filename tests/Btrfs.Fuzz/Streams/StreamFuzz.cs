using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Receive;
using Btrfs.Stream;

namespace Btrfs.Fuzz.Streams;

/// <summary>
/// Receives mutated streams onto a file system in memory. Each must end in success or with a clear error; and afterwards the file system is sound, what was there before is untouched, and nothing new is
/// outside of what was received.
/// </summary>
internal sealed partial class StreamFuzz
{
    private static readonly Uuid s_second = Uuid.Parse("11111111-2222-3333-4444-666666666666");

    private readonly ReceiverImage _start = ReceiverImage.New(new Space.Making.MakeOptions { Time = DateTimeOffset.UnixEpoch });
    private readonly List<byte[]> _streams = [];
    private readonly List<byte[]> _pool = [];
    private readonly string _before;
    private int _received;
    private int _refused;

    public StreamFuzz()
    {
        _start.Receive(Full(new StreamScript(version: 3).Subvol("base", s_second, 5), s_second).End());
        _streams.Add(Full(new StreamScript(version: 1).Subvol("one")).End());
        _streams.Add(Rich(Full(new StreamScript(version: 3).Subvol("two"))).End());
        _streams.Add(Difference(new StreamScript(version: 2).Snapshot("three", StreamScript.Sender, 9, s_second, 5)).End());
        _pool.AddRange(_streams.SelectMany(StreamMutator.Split));
        _before = Inventory(_start, out _);
    }

    /// <summary>The errors, with their numbers left out, and how often each came.</summary>
    public ConcurrentDictionary<string, int> Errors { get; } = new();

    public string Summary => $"{_received} received, {_refused} refused, {Errors.Count} kinds of errors";

    /// <summary>Runs the cases of seeds.</summary>
    /// <returns>What went wrong, with the seed.</returns>
    public IReadOnlyCollection<string> Run(int firstSeed, int count, int threads)
    {
        ConcurrentBag<string> findings = [];
        Parallel.For(firstSeed, firstSeed + count, new ParallelOptions { MaxDegreeOfParallelism = threads }, seed =>
        {
            if (RunCase(seed) is { } finding)
                findings.Add($"seed {seed}: {finding}");
        });
        return findings;
    }

    private string? RunCase(int seed)
    {
        Random random = new(seed);
        byte[] stream = new StreamMutator(random, _pool).Mutate(_streams[random.Next(_streams.Count)]);
        ReceiverImage image = _start.Fork();
        try
        {
            ReceiveOptions options = new() { MaxErrors = random.Next(4) == 0 ? 0 : 1, ForceDecompress = random.Next(8) == 0 };
            image.Receive(stream, options);
            Interlocked.Increment(ref _received);
        }
        catch (Exception error) when (error is ReceiveException or StreamFormatException)
        {
            Interlocked.Increment(ref _refused);
            Errors.AddOrUpdate(Specifics().Replace(error.Message, "#"), 1, (_, times) => times + 1);
        }
        // Whatever else it is, it is a finding.
#pragma warning disable CA1031
        catch (Exception error)
#pragma warning restore CA1031
        {
            return error.ToString();
        }

        if (image.Fault() is { } fault)
            return fault;
        string after = Inventory(image, out bool isContained);
        return !isContained ? "something lies outside of the received subvolumes" : after != _before ? $"what was there has changed:\n{_before}\n{after}" : null;
    }

    // The trees of what was there, and whether there is nothing new but subvolumes in the top directory.
    private static string Inventory(ReceiverImage image, out bool isContained)
    {
        using BtrfsFileSystem fs = image.Open();
        isContained = true;
        foreach (DirectoryEntry entry in fs.EnumerateDirectory(""))
            isContained &= entry.IsSubvolume;
        SubvolumeInfo known = fs.EnumerateSubvolumes().Single(info => info.Name.SequenceEqual("base"u8));
        return $"{known.Id} {known.Root.IsReadOnly} {known.Root.Item.ReceivedUuid} {known.Root.Item.STransId}"
            + string.Join(',', fs.EnumerateDirectory("base").Select(entry => $"{fs.GetStatus($"base/{entry.Name}")}"));
    }

    private static StreamScript Full(StreamScript script, Uuid? uuid = null)
    {
        byte[] data = new byte[20_000];
        new Random(7).NextBytes(data);
        return script.Chown("", 0, 0).Number(CommandType.Chmod, "", AttributeType.Mode, 0x1ED)
            .Mkdir("o257-5-0").Rename("o257-5-0", "d").Mkfile("o258-5-0").Rename("o258-5-0", "d/a").Write("d/a", 0, data).Write("d/a", 20_000, data)
            .Number(CommandType.Truncate, "d/a", AttributeType.Size, 39_000).Xattr("d/a", "user.a", "1").Xattr("d/a", "trusted.b", "2")
            .Chown("d/a", 1, 2).Utimes("d/a", 5).Symlink("o259-5-0", "d/a").Rename("o259-5-0", "l").Link("d/b", "d/a").Mkfile("o260-5-0").Rename("o260-5-0", "e")
            .Write("e", 0, "small"u8).Clone("e", 4096, 8192, uuid ?? StreamScript.Sender, "d/a", 4096).Make(CommandType.Mkfifo, "f").Utimes("d", 6).Utimes("", 7);
    }

    private static StreamScript Rich(StreamScript script)
    {
        byte[] zlib = Compressed(new byte[64 << 10]);
        script.Mkfile("r");
        for (ulong number = 0; number < 8; number++)
            script.Encoded("r", number << 16, 64 << 10, 64 << 10, 0, 1, zlib);
        return script.Mkfile("z").Encoded("z", 0, 64 << 10, 64 << 10, 0, 1, zlib).Encoded("z", 64 << 10, 10_000, 64 << 10, 8192, 1, zlib)
            .Fallocate("z", 3, 4096, 8192).Fallocate("z", 0, 200_000, 50_000).Number(CommandType.Fileattr, "z", AttributeType.Fileattr, 0x10)
            .Mkfile("v").Write("v", 0, new byte[9000]).Verity("v", 1, 4096, [1, 2, 3], [4, 5]);
    }

    private static StreamScript Difference(StreamScript script) =>
        script.Mkdir("o300-9-0").Rename("d/a", "o300-9-0/x").Unlink("d/b").Rmdir("d").Rename("o300-9-0", "d").Write("d/x", 5000, "changed"u8)
            .Clone("d/x", 16384, 4096, s_second, "d/a", 0, 5).Two(CommandType.RemoveXattr, "d/x", AttributeType.XattrName, "user.a")
            .Encoded("e", 4096, 4096, 64 << 10, 4096, 1, Compressed(new byte[64 << 10])).Rename("l", "e").Utimes("", 8);

    private static byte[] Compressed(byte[] content)
    {
        using MemoryStream output = new();
        using (System.IO.Compression.ZLibStream zlib = new(output, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write(content);
        return output.ToArray();
    }

    [GeneratedRegex("'.*?'|[0-9a-f]{8}-[0-9a-f-]{27}|(0x)?[0-9a-f]*[0-9][0-9a-f]*", RegexOptions.Singleline)]
    private static partial Regex Specifics();
}
