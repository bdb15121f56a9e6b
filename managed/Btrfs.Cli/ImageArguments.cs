using System.CommandLine;
using System.CommandLine.Parsing;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Inode;

namespace Btrfs.Cli;

/// <summary>
/// What every command that reads a file system has in common: IMAGE, further devices, and what follows IMAGE. With --device, IMAGE may be left out:
/// the first argument counts as IMAGE only if it names a file or device of the host.
/// </summary>
internal sealed class ImageArguments
{
    private readonly Option<string[]> _devices = new("--device")
    {
        HelpName = "DEV",
        Description = "A further device of a file system that spans several; repeat for each, in any order",
    };

    private readonly Argument<string?> _image = new("IMAGE") { Description = "An image file or block device", Arity = ArgumentArity.ZeroOrOne };
    private readonly Argument[] _others;
    private readonly int _least;

    /// <param name="command">Gets the arguments and the option.</param>
    /// <param name="least">How many arguments must follow IMAGE.</param>
    /// <param name="others">What may follow, as help tells of it; a name that ends in dots may be repeated.</param>
    public ImageArguments(Command command, int least = 0, params (string Name, string Description)[] others)
    {
        _least = least;
        _others = Array.ConvertAll(others, other => Make(other.Name, other.Description));
        command.Arguments.Add(_image);
        foreach (Argument argument in _others)
            command.Arguments.Add(argument);
        command.Options.Add(_devices);
    }

    /// <summary>The arguments sorted into devices and what follows.</summary>
    /// <exception cref="UsageException">Too few or too many.</exception>
    public (IReadOnlyList<string> DevicePaths, IReadOnlyList<string> Others) Split(ParseResult parsed)
    {
        List<string> positional = [.. Tokens(parsed, _image), .. _others.SelectMany(argument => Tokens(parsed, argument))];
        RefuseUnknownOptions(parsed, positional.FindAll(argument => !IsArgument(argument)));
        List<string> devices = [.. parsed.GetValue(_devices) ?? []];
        if (positional.Count > 0 && (devices.Count == 0 || File.Exists(positional[0])))
        {
            devices.Insert(0, positional[0]);
            positional.RemoveAt(0);
        }

        if (devices.Count == 0)
            throw new UsageException("IMAGE is missing");
        if (positional.Count < _least)
            throw new UsageException($"{_others[positional.Count].Name.TrimEnd('.')} is missing");
        if (positional.Count > _others.Length && !_others.Any(argument => argument.Arity.MaximumNumberOfValues > 1))
            throw new UsageException($"'{positional[_others.Length]}' is one argument too many");
        return ([.. devices.DistinctBy(Path.GetFullPath)], positional);
    }

    /// <summary>Arguments that look like options and are none.</summary>
    public Func<string, bool> IsArgument { get; init; } = _ => false;

    /// <summary>Opens the file system for writing, changes it and commits. When the change fails or is stopped, the disk keeps its last commit.</summary>
    /// <param name="devicePaths">The devices.</param>
    /// <param name="change">The change.</param>
    /// <param name="isQuiet">Whether notices are kept back.</param>
    /// <param name="time">When it all takes place; null for now.</param>
    public static void Change(
        IReadOnlyList<string> devicePaths, Action<BtrfsFileSystem, CancellationToken> change, bool isQuiet = false, DateTimeOffset? time = null)
    {
        using Session session = new();
        using BtrfsFileSystem fs = Open(devicePaths, isQuiet, new BtrfsOpenOptions { Writable = true, Time = time });

        // A command looks at the running state between its steps: nothing may move there meanwhile. What it writes to files goes out with the commit, or when memory is full.
        fs.Delalloc.Writeback.Hold();
        try
        {
            change(fs, session.Stopped);
            fs.Commit();
            foreach (string fault in fs.Info.Devices.Volume.WriteFaults)
                ErrorOutput.WriteLine($"WARNING: a write failed, and other copies make it good: {fault}");
        }
        catch
        {
            // Closing the file system would commit what there is so far.
            fs.Writer.Dispose();
            throw;
        }
    }

    /// <summary>A path as it was given, byte for byte.</summary>
    public static FsPath PathOf(string argument) => new(RawArguments.BytesOf(argument));

    /// <summary>Opens the file system and tells its notices on standard error.</summary>
    public static BtrfsFileSystem Open(IReadOnlyList<string> devicePaths, bool isQuiet = false, BtrfsOpenOptions? options = null)
    {
        BtrfsFileSystem fs = BtrfsFileSystem.Open(devicePaths, options);
        if (!isQuiet)
        {
            foreach (string notice in fs.Notices)
                ErrorOutput.WriteLine($"NOTICE: {notice}");
        }

        return fs;
    }

    /// <summary>The parser takes an option that it doesn't know for an argument. Behind "--" everything is one.</summary>
    /// <exception cref="UsageException">There is one among them.</exception>
    public static void RefuseUnknownOptions(ParseResult parsed, IReadOnlyList<string> positional)
    {
        int exempt = parsed.Tokens.Reverse().TakeWhile(token => token.Type != TokenType.DoubleDash).Count();
        int free = exempt == parsed.Tokens.Count ? 0 : exempt;
        string? unknown = positional.SkipLast(free).FirstOrDefault(argument => argument.Length > 1 && argument[0] == '-');
        if (unknown is not null)
            throw new UsageException($"unknown option '{unknown}'");
    }

    private static Argument Make(string name, string description) =>
        name.EndsWith("...", StringComparison.Ordinal)
            ? new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.ZeroOrMore }
            : new Argument<string?>(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };

    private static IEnumerable<string> Tokens(ParseResult parsed, Argument argument) =>
        parsed.GetResult(argument)?.Tokens.Select(token => token.Value) ?? [];
}
