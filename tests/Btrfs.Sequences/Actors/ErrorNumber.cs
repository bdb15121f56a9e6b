namespace Btrfs.Sequences.Actors;

/// <summary>Error numbers of Linux (generic ABI) that operations are refused with.</summary>
internal static class ErrorNumber
{
    public const int NotPermitted = 1;
    public const int NotFound = 2;
    public const int ArgumentsTooLong = 7;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NotDirectory = 20;
    public const int IsDirectory = 21;
    public const int Invalid = 22;
    public const int FileTooLarge = 27;
    public const int NoSpace = 28;
    public const int ReadOnly = 30;
    public const int TooManyLinks = 31;
    public const int NameTooLong = 36;
    public const int NotEmpty = 39;
    public const int NoData = 61;
    public const int Overflow = 75;
    public const int NotSupported = 95;
}
