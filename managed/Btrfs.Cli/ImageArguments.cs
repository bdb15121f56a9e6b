using System.CommandLine;
using System.CommandLine.Parsing;
using Btrfs.Cli.Host;
using Btrfs.Engine;

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

    private readonly Argument<string?> _image;
    private readonly Argument<string[]>? _rest;
    private readonly int _least;
    private readonly int _most;

    /// <param name="command">Gets the arguments and the option.</param>
    /// <param name="rest">What follows IMAGE, as help names it; null for nothing.</param>
    /// <param name="restDescription">What help tells of it.</param>
    /// <param name="least">How many must follow IMAGE.</param>
    /// <param name="most">How many may.</param>
    public ImageArguments(Command command, string? rest = null, string? restDescription = null, int least = 0, int most = 0)
    {
        _image = new Argument<string?>("IMAGE") { Description = "An image file or block device", Arity = ArgumentArity.ZeroOrOne };
        _least = least;
        _most = most;
        command.Arguments.Add(_image);
        if (rest is not null)
        {
            _rest = new Argument<string[]>(rest) { Description = restDescription, Arity = ArgumentArity.ZeroOrMore };
            command.Arguments.Add(_rest);
        }

        command.Options.Add(_devices);
    }

    /// <summary>The arguments sorted into devices and what follows.</summary>
    /// <exception cref="UsageException">Too few or too many.</exception>
    public (IReadOnlyList<string> DevicePaths, IReadOnlyList<string> Others) Split(ParseResult parsed)
    {
        RefuseUnknownOptions(parsed);
        List<string> positional = [.. Tokens(parsed, _image), .. _rest is null ? [] : Tokens(parsed, _rest)];
        List<string> devices = [.. parsed.GetValue(_devices) ?? []];
        if (positional.Count > 0 && (devices.Count == 0 || File.Exists(positional[0])))
        {
            devices.Insert(0, positional[0]);
            positional.RemoveAt(0);
        }

        if (devices.Count == 0)
            throw new UsageException("IMAGE is missing");
        if (positional.Count < _least)
            throw new UsageException($"{_rest!.Name} is missing");
        if (positional.Count > _most)
            throw new UsageException($"'{positional[_most]}' is one argument too many");
        return ([.. devices.DistinctBy(Path.GetFullPath)], positional);
    }

    /// <summary>Opens the file system and tells its notices on standard error.</summary>
    public static BtrfsFileSystem Open(IReadOnlyList<string> devicePaths, bool isQuiet = false)
    {
        BtrfsFileSystem fs = BtrfsFileSystem.Open(devicePaths);
        if (!isQuiet)
        {
            foreach (string notice in fs.Notices)
                ErrorOutput.WriteLine($"NOTICE: {notice}");
        }

        return fs;
    }

    /// <summary>The parser takes an option that it doesn't know for an argument.</summary>
    /// <exception cref="UsageException">There is one.</exception>
    public static void RefuseUnknownOptions(ParseResult parsed)
    {
        Token? unknown = parsed.Tokens
            .TakeWhile(token => token.Type != TokenType.DoubleDash)
            .FirstOrDefault(token => token.Type == TokenType.Argument && token.Value.Length > 1 && token.Value[0] == '-');
        if (unknown is not null)
            throw new UsageException($"unknown option '{unknown.Value}'");
    }

    private static IEnumerable<string> Tokens(ParseResult parsed, Argument argument) =>
        parsed.GetResult(argument)?.Tokens.Select(token => token.Value) ?? [];
}
